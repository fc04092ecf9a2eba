import ssl

context = ssl.create_default_context()
print(context.verify_mode.name, context.cert_store_stats()["x509_ca"] > 50)
client = context.wrap_bio(ssl.MemoryBIO(), outgoing := ssl.MemoryBIO(), server_hostname="example.com")
try:
    client.do_handshake()
except ssl.SSLWantReadError:
    print("ClientHello", outgoing.read()[0] == 22)
