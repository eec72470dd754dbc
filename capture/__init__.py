"""From the press of the button to whole fragments: the session, its checks, voice and muxing."""
