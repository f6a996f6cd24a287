"""The stream of hits between the tracking door and the aggregation job."""

#: Name of the Valkey stream.
HITS = "hits"
