"""国密: SM2, SM3 and SM4 (GB/T 32918, 32905, 32907) for suite 3.

SM3 and SM4-GCM come from `cryptography`, SM2 from the system's libcrypto (OpenSSL 3), which gets the distribution's
security updates. The algorithms alone make no certified product: where one is asked for, the key belongs into a
certified module behind the port `Signer`.
"""
