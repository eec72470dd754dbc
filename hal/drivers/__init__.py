"""Drivers for real hardware, and what runs on any machine."""
