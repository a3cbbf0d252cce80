"""Search strategies, one a file, behind one protocol."""
