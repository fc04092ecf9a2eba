"""What build_names.py is made of."""
