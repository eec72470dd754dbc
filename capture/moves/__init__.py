"""Handlers of the session machine's cells: pure, one file per part of a recording's life."""
