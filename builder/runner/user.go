package runner

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// lookUp reads who NAME|UID[:GROUP|GID] is in a root filesystem, as docker does (moby/sys user.GetExecUser): a name
// wins over a number, a number need not be known, and without a group those of the user's are taken.
func lookUp(rootfs, word string) (specs.User, error) {
	root, err := os.OpenRoot(rootfs)
	if err != nil {
		return specs.User{}, err
	}
	defer root.Close()
	userWord, groupWord, hasGroup := strings.Cut(word, ":")
	who, name, err := findUser(root, userWord)
	if err != nil {
		return who, err
	}
	groups, err := database(root, "etc/group")
	if err != nil {
		return who, err
	}
	if hasGroup && groupWord != "" {
		who.GID, err = findGroup(groups, groupWord)
		who.AdditionalGids = []uint32{who.GID}
		return who, err
	}
	who.AdditionalGids = []uint32{who.GID} // so that it cannot be dropped (CVE-2022-36109)
	for _, g := range groups {
		if len(g) > 3 && name != "" && slices.Contains(strings.Split(g[3], ","), name) {
			if gid, err := id(g[2]); err == nil && !slices.Contains(who.AdditionalGids, gid) {
				who.AdditionalGids = append(who.AdditionalGids, gid)
			}
		}
	}
	return who, nil
}

// findUser returns the user, and the name if passwd has it.
func findUser(root *os.Root, word string) (who specs.User, name string, err error) {
	users, err := database(root, "etc/passwd")
	if err != nil {
		return who, "", err
	}
	if word == "" {
		word = "0"
	}
	number, numberErr := id(word)
	for _, u := range users {
		if len(u) < 4 || u[0] != word && (numberErr != nil || u[2] != strconv.FormatUint(uint64(number), 10)) {
			continue
		}
		uid, uidErr := id(u[2])
		gid, gidErr := id(u[3])
		if err := errors.Join(uidErr, gidErr); err != nil {
			return who, "", err
		}
		return specs.User{UID: uid, GID: gid}, u[0], nil
	}
	var failed *Error
	if errors.As(numberErr, &failed) {
		return who, "", failed
	}
	if numberErr != nil {
		return who, "", invalid("unable to find user %s: no matching entries in passwd file", word)
	}
	return specs.User{UID: number}, "", nil
}

func findGroup(groups [][]string, word string) (uint32, error) {
	number, numberErr := id(word)
	for _, g := range groups {
		if len(g) > 2 && g[0] == word {
			return id(g[2])
		}
	}
	var failed *Error
	if errors.As(numberErr, &failed) {
		return 0, failed
	}
	if numberErr != nil {
		return 0, invalid("unable to find group %s: no matching entries in group file", word)
	}
	return number, nil
}

// id reads a number. One that no user can have is an [*Error]; what is not a number is another.
func id(word string) (uint32, error) {
	n, err := strconv.ParseInt(word, 10, 64)
	if err == nil && (n < 0 || n > math.MaxInt32) || errors.Is(err, strconv.ErrRange) {
		return 0, invalid("uids and gids must be in range 0-%d", math.MaxInt32)
	}
	return uint32(n), err
}

// maxDatabase is how much of /etc/passwd and /etc/group is read, in bytes.
const maxDatabase = 16 << 20

// database reads lines of fields with colons between them; none if there is no such file. It is not followed out of the
// root.
func database(root *os.Root, name string) (lines [][]string, err error) {
	f, err := root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, invalid("the image's /%s: %v", name, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, invalid("the image's /%s is not a file", name)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxDatabase))
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, strings.Split(line, ":"))
		}
	}
	return lines, err
}
