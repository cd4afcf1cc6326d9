"""What stands between the sources of requests and dispatch."""
