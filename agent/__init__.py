"""The daemon's room: composition, configuration, command line, provisioning, supervision."""
