#include "app/cli.h"

int main(int argc, char** argv) { return headgate::app::Main(argc, argv); }
