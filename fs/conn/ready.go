package conn

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// readyEnv is set by a [Holder] to the number of the descriptor on which its server says one line: an empty one when
// it answers, or why it refuses to.
const readyEnv = "IMAGEFS_READY_FD"

// Ready tells the holder that started this process that its requests are about to be answered. Without a holder, and
// when called again, it does nothing.
func Ready() error { return tellHolder("") }

// Refuse tells the holder that started this process why it will end without answering: [Holder.Upgrade] returns this
// text. Without a holder, and after [Ready], it does nothing.
func Refuse(reason error) error { return tellHolder(reason.Error()) }

func tellHolder(line string) error {
	number := os.Getenv(readyEnv)
	if number == "" {
		return nil
	}
	fd, err := strconv.Atoi(number)
	if err != nil {
		return fmt.Errorf("%s: %w", readyEnv, err)
	}
	pipe := os.NewFile(uintptr(fd), "holder")
	_, err = pipe.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
	return errors.Join(err, pipe.Close(), os.Unsetenv(readyEnv))
}
