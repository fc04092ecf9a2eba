import site

site.addsitedir("lib")
import tools
