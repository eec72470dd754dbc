"""The whole job on a simulated unit: the real commands, started as an agency and its officers would start them."""
