numpy = __import__("numpy")
