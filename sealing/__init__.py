"""The evidence chain: record bodies, format, keys, writer, recovery, verifier, opener."""
