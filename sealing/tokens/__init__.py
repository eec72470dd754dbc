"""Device keys and counters in hardware: PKCS#11 tokens and TPM 2.0, behind the ports `Signer` and `Counter`.

Rules of this package: each back end imports its library where it is used, so that a unit without it needs neither. A
call may take as long as the chip does; it is made on the writer's thread, never on one that captures. What a chip says
when it refuses becomes a `TokenError`.
"""
