import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;

/**
 * Runs TLC again and again in one JVM: most models are so small that starting a JVM takes longer
 * than checking them. TLC keeps much in static fields, so each run gets TLC's classes anew.
 *
 * <p>Arguments: the jar of TLC, and a folder of this JVM's own, which it removes in the end. Each
 * line of standard input is one run: the folder of its modules and TLC's arguments, separated by
 * tabs. The answer is a line "STATUS NANOSECONDS BYTES", the status that TLC would exit with, the
 * processor time it took and the length of what it printed, and then just that.
 */
public class Runs {
    public static void main(String[] args) throws Exception {
        URL[] jar = {new File(args[0]).toURI().toURL()};
        File own = new File(args[1]);
        var os = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        PrintStream answers = System.out;
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null; ) {
            var printed = new ByteArrayOutputStream();
            var out = new PrintStream(printed, false, StandardCharsets.UTF_8);
            System.setOut(out);
            System.setErr(out);
            long begin = os.getProcessCpuTime();
            int status;
            try (var loader = new URLClassLoader(jar, ClassLoader.getPlatformClassLoader())) {
                Thread.currentThread().setContextClassLoader(loader);
                String[] words = line.split("\t");
                String[] tlcArgs = new String[words.length - 1];
                System.arraycopy(words, 1, tlcArgs, 0, tlcArgs.length);
                status = run(loader, words[0], tlcArgs);
            } catch (Throwable t) {
                t.printStackTrace(out);
                status = 255;
            }
            out.flush();
            answers.println(status + " " + (os.getProcessCpuTime() - begin) + " " + printed.size());
            printed.writeTo(answers);
            answers.flush();
        }
        remove(own);
        System.exit(0);
    }

    /** What tlc2.TLC.main does, but for the exit. */
    private static int run(ClassLoader loader, String folder, String[] args) throws Exception {
        Class<?> tlcClass = loader.loadClass("tlc2.TLC");
        Object tlc = tlcClass.getConstructor().newInstance();
        if (!(Boolean) tlcClass.getMethod("handleParameters", String[].class).invoke(tlc, (Object) args)) {
            return 255;
        }
        Object resolver = loader.loadClass("util.SimpleFilenameToStream").getConstructor(String.class).newInstance(folder);
        tlcClass.getMethod("setResolver", loader.loadClass("util.FilenameToStream")).invoke(tlc, resolver);
        int code = (Integer) tlcClass.getMethod("process").invoke(tlc);
        return (Integer) loader.loadClass("tlc2.output.EC$ExitStatus").getMethod("errorConstantToExitStatus", int.class).invoke(null, code);
    }

    private static void remove(File f) {
        File[] inside = f.listFiles();
        if (inside != null) {
            for (File i : inside) {
                remove(i);
            }
        }
        f.delete();
    }
}
