"""What a recorder's hardware must offer: ports, values and the drivers for real hardware."""
