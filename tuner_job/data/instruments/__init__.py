"""What is known of instruments: the codings of PHMRC, WHO, openVA, and of a plain table."""
