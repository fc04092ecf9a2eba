import cv2, yaml, sklearn.svm, bs4, dateutil.parser, dotenv
from PIL import Image
