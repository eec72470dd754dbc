"""The smallest profile that there can be."""

MINIMAL = """
[profile]
schema_version = 1
id = "own"
agency = "某局"
agency_en = "Some agency"
regulation = "某规定"
[capture]
[sync.transfer.normal]
start = "activity-end"
limit = { hours = 24, clause = "agency setting" }
"""
