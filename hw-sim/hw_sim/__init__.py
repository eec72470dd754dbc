"""One more driver set: a simulated world with physics, its panel and its scenarios."""
