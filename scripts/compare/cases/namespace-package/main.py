from google.cloud import storage
