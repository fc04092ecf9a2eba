import first
import pandas
