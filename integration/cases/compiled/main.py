"""A package with compiled extensions that also reads data files of its own."""

from lxml import etree, isoschematron

schema = isoschematron.Schematron(
    etree.XML(
        '<schema xmlns="http://purl.oclc.org/dsdl/schematron"><pattern><rule context="total">'
        '<assert test="number(.) = sum(../part)">wrong</assert></rule></pattern></schema>'
    )
)
for total in (3, 4):
    print(total, schema.validate(etree.XML(f"<bill><part>1</part><part>2</part><total>{total}</total></bill>")))
