/* A program with a library of its own, which LD_LIBRARY_PATH can replace. */
int needed(void);

int main(void) {
    return needed();
}
