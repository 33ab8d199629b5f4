// Package attacktest attacks the enforcer and lives with it: it runs programs in C, Node, Python, Java, Ruby and Perl,
// once without and once with libthimble, and compares.
//
// Every case is a pair. The benign twin must say exactly the same with the enforcer as without it. The attack must
// succeed without it (else the case would prove nothing), and with it must be refused as the kernel itself refuses a
// file that may not be run: the reference is the same attack, without the enforcer, on a file without execute
// permission. So no expectation is written by hand, and each language reports the refusal in its own way.
//
// Start at spawn_test.go; harness_test.go runs one program; the programs are in testdata.
package attacktest
