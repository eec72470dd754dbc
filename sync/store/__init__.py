"""The store's side: receive, judge, commit, promise."""
