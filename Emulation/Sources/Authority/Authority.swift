import LibCrypto
