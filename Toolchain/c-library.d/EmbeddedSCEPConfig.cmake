# find_package(EmbeddedSCEP) for @CLASS@: gives the target EmbeddedSCEP::scep.
if(NOT TARGET EmbeddedSCEP::scep)
  get_filename_component(_scep_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
  add_library(EmbeddedSCEP::scep STATIC IMPORTED)
  # Of mbedTLS the target that the project has: by find_package, by add_subdirectory, or else the library in the linker's path.
  set_target_properties(EmbeddedSCEP::scep PROPERTIES
    IMPORTED_LOCATION "${_scep_prefix}/lib/libscep.a"
    IMPORTED_LINK_INTERFACE_LANGUAGES C
    INTERFACE_INCLUDE_DIRECTORIES "${_scep_prefix}/include"
    INTERFACE_COMPILE_OPTIONS "@FLAGS@"
    INTERFACE_LINK_LIBRARIES "$<IF:$<TARGET_EXISTS:MbedTLS::mbedcrypto>,MbedTLS::mbedcrypto,mbedcrypto>")
  unset(_scep_prefix)
endif()
