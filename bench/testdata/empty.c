/* The least that can be preloaded: what this costs, any preloaded library costs. */
__attribute__((constructor)) static void start(void) {
}
