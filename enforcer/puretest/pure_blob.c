//go:build cgo

#include "stamp.h"
#include "../blob.c"
