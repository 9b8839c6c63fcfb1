"""WebSub: the hub that pushes our feeds, and word to the hubs of others."""
