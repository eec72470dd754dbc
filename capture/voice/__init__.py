"""What the unit says, what it hears of it, and whether somebody answered."""
