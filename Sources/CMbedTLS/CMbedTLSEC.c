#include "CMbedTLS.h"

#ifdef CMBEDTLS_NO_EC

int cmbedtls_has_ec(void) { return 0; }

int cmbedtls_ec_generate(cmbedtls_generator *random, size_t field_size, uint8_t *scalar,
                         uint8_t *point) {
    return MBEDTLS_ERR_ECP_FEATURE_UNAVAILABLE;
}

int cmbedtls_ec_point(cmbedtls_generator *random, size_t field_size, const uint8_t *scalar,
                      uint8_t *point) {
    return MBEDTLS_ERR_ECP_FEATURE_UNAVAILABLE;
}

int cmbedtls_ec_sign(cmbedtls_generator *random, size_t field_size, const uint8_t *scalar,
                     uint8_t algorithm, size_t count, const uint8_t *digest, uint8_t *r_bytes,
                     uint8_t *s_bytes) {
    return MBEDTLS_ERR_ECP_FEATURE_UNAVAILABLE;
}

int cmbedtls_ec_verify(size_t field_size, const uint8_t *point, size_t count, const uint8_t *digest,
                       const uint8_t *r_bytes, size_t r_count, const uint8_t *s_bytes,
                       size_t s_count) {
    return MBEDTLS_ERR_ECP_FEATURE_UNAVAILABLE;
}

#else

// A curve by its field's size, 32 or 48. Free it whatever this returns.
static int cmbedtls_ec_group(mbedtls_ecp_group *group, size_t field_size) {
    return mbedtls_ecp_group_load(group, field_size == 32 ? MBEDTLS_ECP_DP_SECP256R1 : MBEDTLS_ECP_DP_SECP384R1);
}

int cmbedtls_has_ec(void) { return 1; }

// Writes an uncompressed point of 1 + 2 * `field_size` bytes.
static int cmbedtls_ec_write_point(const mbedtls_ecp_group *group, const mbedtls_ecp_point *q, size_t field_size,
                                   uint8_t *point) {
    size_t size;
    return mbedtls_ecp_point_write_binary(group, q, MBEDTLS_ECP_PF_UNCOMPRESSED, &size, point, 1 + 2 * field_size);
}

int cmbedtls_ec_generate(cmbedtls_generator *random, size_t field_size, uint8_t *scalar,
                         uint8_t *point) {
    int ret = 0;
    mbedtls_ecp_group group;
    mbedtls_ecp_point q;
    mbedtls_mpi d;
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&q);
    mbedtls_mpi_init(&d);
    MBEDTLS_MPI_CHK(cmbedtls_ec_group(&group, field_size));
    MBEDTLS_MPI_CHK(mbedtls_ecp_gen_keypair(&group, &d, &q, cmbedtls_random, random));
    MBEDTLS_MPI_CHK(mbedtls_mpi_write_binary(&d, scalar, field_size));
    MBEDTLS_MPI_CHK(cmbedtls_ec_write_point(&group, &q, field_size, point));
cleanup:
    mbedtls_mpi_free(&d);
    mbedtls_ecp_point_free(&q);
    mbedtls_ecp_group_free(&group);
    cmbedtls_clear_stack();
    return ret;
}

int cmbedtls_ec_point(cmbedtls_generator *random, size_t field_size, const uint8_t *scalar,
                      uint8_t *point) {
    int ret = 0;
    mbedtls_ecp_group group;
    mbedtls_ecp_point q;
    mbedtls_mpi d;
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&q);
    mbedtls_mpi_init(&d);
    MBEDTLS_MPI_CHK(cmbedtls_ec_group(&group, field_size));
    MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(&d, scalar, field_size));
    MBEDTLS_MPI_CHK(mbedtls_ecp_check_privkey(&group, &d));
    MBEDTLS_MPI_CHK(mbedtls_ecp_mul(&group, &q, &d, &group.G, cmbedtls_random, random));
    MBEDTLS_MPI_CHK(cmbedtls_ec_write_point(&group, &q, field_size, point));
cleanup:
    mbedtls_mpi_free(&d);
    mbedtls_ecp_point_free(&q);
    mbedtls_ecp_group_free(&group);
    cmbedtls_clear_stack();
    return ret;
}

int cmbedtls_ec_sign(cmbedtls_generator *random, size_t field_size, const uint8_t *scalar,
                     uint8_t algorithm, size_t count, const uint8_t *digest, uint8_t *r_bytes,
                     uint8_t *s_bytes) {
    int ret = 0;
    mbedtls_ecp_group group;
    mbedtls_mpi d, r, s;
    mbedtls_ecp_group_init(&group);
    mbedtls_mpi_init(&d);
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    MBEDTLS_MPI_CHK(cmbedtls_ec_group(&group, field_size));
    MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(&d, scalar, field_size));
    MBEDTLS_MPI_CHK(mbedtls_ecdsa_sign_det_ext(&group, &r, &s, &d, digest, count, cmbedtls_md(algorithm),
                                               cmbedtls_random, random));
    MBEDTLS_MPI_CHK(mbedtls_mpi_write_binary(&r, r_bytes, field_size));
    MBEDTLS_MPI_CHK(mbedtls_mpi_write_binary(&s, s_bytes, field_size));
cleanup:
    mbedtls_mpi_free(&s);
    mbedtls_mpi_free(&r);
    mbedtls_mpi_free(&d);
    mbedtls_ecp_group_free(&group);
    // The scalar among it, in front of the digest that RFC 6979 begins with.
    cmbedtls_clear_stack();
    return ret;
}

int cmbedtls_ec_verify(size_t field_size, const uint8_t *point, size_t count, const uint8_t *digest,
                       const uint8_t *r_bytes, size_t r_count, const uint8_t *s_bytes,
                       size_t s_count) {
    int ret = 0;
    mbedtls_ecp_group group;
    mbedtls_ecp_point q;
    mbedtls_mpi r, s;
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&q);
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    MBEDTLS_MPI_CHK(cmbedtls_ec_group(&group, field_size));
    MBEDTLS_MPI_CHK(mbedtls_ecp_point_read_binary(&group, &q, point, 1 + 2 * field_size));
    MBEDTLS_MPI_CHK(mbedtls_ecp_check_pubkey(&group, &q));
    MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(&r, r_bytes, r_count));
    MBEDTLS_MPI_CHK(mbedtls_mpi_read_binary(&s, s_bytes, s_count));
    MBEDTLS_MPI_CHK(mbedtls_ecdsa_verify(&group, digest, count, &q, &r, &s));
cleanup:
    mbedtls_mpi_free(&s);
    mbedtls_mpi_free(&r);
    mbedtls_ecp_point_free(&q);
    mbedtls_ecp_group_free(&group);
    return ret;
}

#endif
