# /// script
# dependencies = ["opencv-python-headless", "requests>=2"]
# ///
import cv2
import requests
