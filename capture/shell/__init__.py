"""The recorder's threads: what carries out the session machine's effects and tells it what happened."""
