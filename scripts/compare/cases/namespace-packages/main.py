import google.cloud.storage
