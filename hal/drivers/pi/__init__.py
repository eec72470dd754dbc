"""The driver set `pi`: Raspberry Pi class boards."""
