"""Pydantic models of the HTTP contract; used at the door and nowhere else."""
