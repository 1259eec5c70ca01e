"""From corpus to curated shard, without Prefect and without a trainer."""
