"""Bytes and files, read and written within bounds."""
