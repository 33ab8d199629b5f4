/** The shortest useful Java program: one line out, then the end. */
public final class Cold {
  public static void main(String[] args) {
    System.out.println("ready");
  }
}
