package layer

import "strings"

// What Linux allows: NAME_MAX, and PATH_MAX less its final NUL.
const (
	maxComponent = 255
	maxPath      = 4095
)

// cleanName drops leading slashes, "." and empty components. The root is ".".
func cleanName(name string) (string, error) {
	if name == "" {
		return "", refuse("it has no name")
	}
	if strings.IndexByte(name, 0) >= 0 {
		return "", refuse("there is a NUL byte in its name")
	}
	var kept []string
	for component := range strings.SplitSeq(name, "/") {
		switch {
		case component == "" || component == ".":
			continue
		case component == "..":
			return "", refuse(`".." in a name could lead out of the image`)
		case len(component) > maxComponent:
			return "", refuse("a component of its name has %d bytes; Linux allows %d", len(component), maxComponent)
		}
		kept = append(kept, component)
	}
	if len(kept) == 0 {
		return ".", nil
	}
	cleaned := strings.Join(kept, "/")
	if len(cleaned) > maxPath {
		return "", refuse("its name has %d bytes; Linux allows %d", len(cleaned), maxPath)
	}
	return cleaned, nil
}

// splitName divides a cleaned name into its directory, "" for the root, and the rest.
func splitName(name string) (dir, base string) {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return "", name
	}
	return name[:i], name[i+1:]
}

func joinName(dir, base string) string {
	if dir == "" {
		return base
	}
	return dir + "/" + base
}
