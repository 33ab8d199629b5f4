/* A library to dlopen. */
int small(void) {
    return 1;
}
