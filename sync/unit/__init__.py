"""The unit's side: from the spool's files to receipts in the inbox."""
