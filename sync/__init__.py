"""From sealed files to signed receipts: both ends of one protocol, unit and store."""
