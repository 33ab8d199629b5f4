/* The library that ships with needs.c. */
int needed(void);

int needed(void) {
    return 7;
}
