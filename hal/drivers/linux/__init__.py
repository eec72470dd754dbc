"""The driver set `linux`: a USB camera and a sound card on any Linux machine."""
