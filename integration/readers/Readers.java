import java.io.BufferedInputStream;
import java.io.FileInputStream;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;

/** Prints the sha256 of what each of Java's readers makes of a .tar.gz, and how many entries commons-compress finds. */
class Readers {
    public static void main(String[] arguments) throws Exception {
        try (InputStream in = open(arguments[0])) {
            System.out.println(sum(new GZIPInputStream(in)));
        }
        try (InputStream in = open(arguments[0])) {
            System.out.println(sum(new GzipCompressorInputStream(in)));
        }
        int entries = 0;
        try (TarArchiveInputStream in = new TarArchiveInputStream(new GzipCompressorInputStream(open(arguments[0])))) {
            while (in.getNextTarEntry() != null) {
                entries++;
            }
        }
        System.out.println(entries);
    }

    private static InputStream open(String path) throws Exception {
        return new BufferedInputStream(new FileInputStream(path));
    }

    private static String sum(InputStream in) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        byte[] buffer = new byte[65536];
        for (int size; (size = in.read(buffer)) >= 0;) {
            digest.update(buffer, 0, size);
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
