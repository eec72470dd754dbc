"""MQTT 5 as a way between unit and store: grammar, bodies and both ends' state machines, all of it without I/O."""
