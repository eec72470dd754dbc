"""The command `recorder`."""
